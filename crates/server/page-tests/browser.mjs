// The programs that the test drives: servers, and a browser whose complaints are kept.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [gligen, browserPath, pictures] = process.argv.slice(2);
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
/** Longer than any picture takes, even on a machine with other things to do. */
export const PATIENCE = 60_000;

/** Whether the screenshots of the documentation are made, of pictures with all steps. */
export const isForDocs = Boolean(pictures);

const servers = [];

/** A server, and its address. */
export async function serve(...more) {
  const server = spawn(gligen, ["serve", "--port", "0", ...more], { stdio: ["ignore", "pipe", "inherit"] });
  servers.push(server);
  let text = "";
  for await (const chunk of server.stdout) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return { server, url: text.trim() };
}

export const home = await serve();
const browser = await chromium.launch({ executablePath: browserPath, args: FLAGS });
export const complaints = [];

/** A page of a browser that was never here. */
export async function visit(options = {}, address = home.url) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => complaints.push(`error: ${error.stack}`));
  page.on("console", (message) => {
    // The browser tells of each refusal; the page does too.
    if (message.type() === "error" && !message.text().includes("Failed to load resource")) complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(address)) complaints.push(`asks for ${request.url()}`);
  });
  await page.goto(address);
  await isReady(page);
  return page;
}

/** The page knows what the server can do, and has taken up what was there before. */
const isReady = (page) => page.waitForSelector("#model:not(:empty)");

export async function reload(page) {
  await page.reload();
  await isReady(page);
}

/** For the documentation: the page from its top, the whole of it if `fullPage`, otherwise what the screen shows. */
export async function screenshot(page, name, fullPage = false) {
  if (!pictures) return;
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(pictures, `page-${name}.png`), fullPage });
}

/** Ends all programs. */
export async function end() {
  await browser.close();
  for (const server of servers) server.kill("SIGKILL");
}
