// Are the pages of the contract whole in a browser that reaches nothing but the service?
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [origin, binary] = process.argv.slice(2);
const document = JSON.parse(readFileSync(new URL("../../openapi/openapi.json", import.meta.url)));
const operations = Object.values(document.paths).flatMap(Object.values);
const pages = {
  "/docs": { shown: ".opblock", each: (operation) => operation.operationId },
  "/redoc": { shown: "[data-section-id*='/paths/'], [id*='operation/']", each: (operation) => operation.summary },
};

// No name is resolved and no address but the loopback is reached: as on a machine without a network.
const browser = await chromium.launch({
  executablePath: binary,
  args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
});
const faults = [];
for (const [path, { shown, each }] of Object.entries(pages)) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on("console", (said) => ["error", "warning"].includes(said.type()) && faults.push(`${path} says: ${said.text()}`));
  page.on("pageerror", (error) => faults.push(`${path} fails: ${error}`));
  page.on("requestfailed", (request) => faults.push(`${path} does not get ${request.url()}`));
  page.on("request", (request) => {
    if (!/^data:/.test(request.url()) && !request.url().startsWith(`${origin}/`)) faults.push(`${path} asks for ${request.url()}`);
  });
  await page.goto(origin + path);
  await page.locator(shown).first().waitFor({ timeout: 60_000 });
  const text = await page.locator("body").innerText();
  const unseen = operations.filter((operation) => !text.includes(each(operation)));
  if (unseen.length) faults.push(`${path} does not show ${unseen.map((operation) => operation.operationId)}`);
  const variance = await page.evaluate(spread, (await page.screenshot()).toString("base64"));
  if (variance < 100) faults.push(`${path} looks blank: the variance of its pixels is ${variance}`);
  console.log(`${path}: ${operations.length - unseen.length} operations, variance of pixels ${Math.round(variance)}`);
}
await browser.close();
faults.forEach((fault) => console.log(`fault: ${fault}`));
process.exitCode = faults.length ? 1 : 0;

// The variance of the brightness of a picture: nothing, when all is of one colour.
async function spread(png) {
  const picture = new Image();
  picture.src = `data:image/png;base64,${png}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const pixels = context.getImageData(0, 0, picture.width, picture.height).data;
  let [sum, squares, count] = [0, 0, 0];
  for (let at = 0; at < pixels.length; at += 4) {
    const bright = (pixels[at] + pixels[at + 1] + pixels[at + 2]) / 3;
    [sum, squares, count] = [sum + bright, squares + bright * bright, count + 1];
  }
  return squares / count - (sum / count) ** 2;
}
