// A file of its own: the Content-Security-Policy lets no script stand in the page.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayOperationId: true,
  docExpansion: "list",
  persistAuthorization: false,
  validatorUrl: null, // asks no server of others about the document
});
