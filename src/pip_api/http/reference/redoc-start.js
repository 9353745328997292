// A file of its own: the Content-Security-Policy lets no script stand in the page. Searching would need a worker.
Redoc.init("openapi.json", { disableSearch: true, hideDownloadButton: false }, document.getElementById("redoc"));
