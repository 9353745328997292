// An identity provider on loopback that issues access tokens for programs (RFC 9068).
// node provider.js PORT < {"keys": [private JWKs, the first signs], "client": {id, secret}, "audience": ""}
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const port = Number(process.argv[2]);
const { keys, client, audience } = JSON.parse(readFileSync(0, "utf-8"));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys },
  clients: [
    {
      client_id: client.id,
      client_secret: client.secret,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: keys[0].alg,
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:pip-api",
      getResourceServerInfo: () => ({
        scope: "force:read region:read",
        audience,
        accessTokenTTL: 600,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: keys[0].alg, kid: keys[0].kid } },
      }),
    },
  },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
