// A service of somebody else's, in TypeScript: types by openapi-typescript, requests by openapi-fetch.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import createClient from "openapi-fetch";
import { Webhook } from "standardwebhooks";
import type { components, paths } from "./build/api.js";

type CallWebhook = components["schemas"]["CallWebhook"];
type Campaign = components["schemas"]["LaunchedCampaign"];

const [first, second, third, fourth] = process.argv.slice(2) as [string, string, string, string];
const headers = { authorization: `Bearer ${process.env.API_KEY}` };
const api = createClient<paths>({ baseUrl: `${process.env.API_URL}/v1`, headers });
// The engine's clock is ahead of this machine's, and what is too new is refused.
const clock = Date.now;
Date.now = () => clock() + 1000 * Number(process.env.CLOCK_AHEAD);
const always = { hours: "00:00-24:00" };
const received: { headers: Record<string, string>; body: string }[] = [];

const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  received.push({ headers: request.headers as Record<string, string>, body });
  response.writeHead(204).end();
});
await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
const port = (server.address() as AddressInfo).port;

function must<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    await new Promise((over) => setTimeout(over, 100));
  }
}

const endpoint = must(
  await api.POST("/endpoints", { body: { url: `http://127.0.0.1:${port}/`, events: ["call.completed"] } }),
);
const name = "by-typescript";
const definition = {
  name,
  purpose: "informational",
  agent: "reminder",
  schedule: always,
  recipients: [{ phone: first }, { phone: second }],
};
const launched = must(await api.POST("/campaigns", { body: definition })) as Campaign;
const path = { name };
const paused = must(await api.POST("/campaigns/{name}/pause", { params: { path } }));
must(await api.POST("/campaigns/{name}/recipients", { params: { path }, body: { recipients: [{ phone: third }] } }));
const listed = must(await api.GET("/campaigns", { params: { query: { state: "paused" } } }));
must(await api.POST("/campaigns/{name}/resume", { params: { path } }));

const made = must(
  await api.POST("/calls", {
    params: { header: { "Idempotency-Key": "typescript-1" } },
    body: { to: fourth, agent: "reception", schedule: always },
  }),
);
const call = await until(async () => {
  const one = must(await api.GET("/calls/{call_id}", { params: { path: { call_id: made.id } } }));
  return one.done ? one : undefined;
});
const finished = await until(async () => {
  const one = must(await api.GET("/campaigns/{name}", { params: { path } }));
  return one.state === "finished" ? one : undefined;
});
const webhook = await until(async () =>
  received
    .map((one) => new Webhook(endpoint.secret).verify(one.body, one.headers) as CallWebhook)
    .find((event) => event.data.id === made.id),
);
const missing = await api.GET("/calls/{call_id}", { params: { path: { call_id: "nothing" } } });
console.log(
  JSON.stringify({
    created: launched.created,
    paused: paused.state,
    listed: listed.items.map((one) => one.name),
    call: call.outcome,
    recipients: finished.progress.recipients,
    webhook: webhook.data.to,
    missing: missing.error?.code,
  }),
);
server.closeAllConnections();
server.close();
