// A plan from its concern to its withdrawal, with the types that openapi-typescript made and the client openapi-fetch.
import assert from "node:assert/strict";
import { env } from "node:process";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Plan = components["schemas"]["PipRead"];
const FORCE = "avon-and-somerset";

const client = createClient<paths>({
  baseUrl: env.PIP_SERVER ?? "",
  querySerializer: { array: { style: "form", explode: false } },
});

const token = await client.POST("/oauth2/token", {
  body: { grant_type: "client_credentials", client_id: env.PIP_CLIENT_ID ?? "", client_secret: env.PIP_CLIENT_SECRET ?? "" },
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
  bodySerializer: (body) => new URLSearchParams(body as Record<string, string>),
});
assert(token.data, "no token");
const bearer = `Bearer ${token.data.access_token}`;
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", bearer);
    return request;
  },
});

const concern = await client.POST("/v1/concerns", {
  body: {
    title: "Calls wait too long",
    source: "ppmg",
    identified_by: "PPMG",
    identified_on: "2026-01-05",
    force_code: FORCE,
  },
});
assert(concern.data, JSON.stringify(concern.error));
const made = await client.POST("/v1/pips", {
  params: { query: { reason: "Scenario" } },
  body: { title: "Answer in time", force_code: FORCE, concern_ids: [concern.data.id] },
});
assert(made.data, JSON.stringify(made.error));
const plan: Plan = made.data;
assert.equal(plan.version, 1);
const path = { id: plan.id };

const read = await client.GET("/v1/pips/{id}", { params: { path } });
assert.deepEqual(read.data, plan);
const tag = read.response.headers.get("ETag") ?? "";
const changed = await client.PATCH("/v1/pips/{id}", {
  params: { path, header: { "If-Match": tag } },
  body: { lead: "Deputy Chief Constable B. Example" },
});
assert.equal(changed.data?.lead, "Deputy Chief Constable B. Example");
assert.equal(changed.data?.title, plan.title);
const stale = await client.PATCH("/v1/pips/{id}", { params: { path, header: { "If-Match": tag } }, body: { lead: null } });
assert.equal(stale.error?.code, "version_mismatch");
const cleared = await client.PATCH("/v1/pips/{id}", { params: { path }, body: { lead: null, version: 2 } });
assert.equal(cleared.data?.lead, null);

const status = await client.GET("/v1/pips/{id}/status", { params: { path: { id: `ref:${plan.ref}` } } });
assert.equal(status.data?.concerns[0]?.title, "Calls wait too long");
const page = await client.GET("/v1/pips", {
  params: { query: { force: [FORCE, "kent"], status: ["draft", "active"], sort: ["-created_at"], limit: 500 } },
});
assert(page.data?.items.some((each) => each.id === plan.id));

const latest = cleared.response.headers.get("ETag") ?? "";
const withdrawn = await client.DELETE("/v1/pips/{id}", { params: { path, header: { "If-Match": latest } } });
assert.equal(withdrawn.response.status, 204);
const gone = await client.GET("/v1/pips/{id}", { params: { path } });
assert.equal(gone.error?.code, "withdrawn");
const versions = await client.GET("/v1/pips/{id}/versions", { params: { path } });
assert.deepEqual(
  versions.data?.items.map((each) => each.version),
  [4, 3, 2, 1],
);
console.log("12 calls");
