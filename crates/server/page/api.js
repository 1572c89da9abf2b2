// The server: what it can do, and jobs on it.

/** An error in the words of the server, with its hint. */
export class Problem extends Error {
  constructor({ detail, hint }) {
    super(detail || "the server did not answer as expected");
    this.hint = hint;
  }
}

/** The connection to a job was lost; the job may go on. */
export class Lost extends Problem {
  constructor() {
    super({ detail: "the connection to the server was lost" });
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Problem({ detail: "the server cannot be reached", hint: "is gligen serve still running?" });
  }
  if (response.ok) return response;
  throw new Problem(await response.json().catch(() => ({})));
}

export const capabilities = async () => (await ask("/v1/capabilities")).json();

/** Hands in a layout; gives the job. */
export async function submit(layout) {
  const headers = { "Content-Type": "application/json", Prefer: "respond-async" };
  return (await ask("/v1/generate", { method: "POST", headers, body: JSON.stringify(layout) })).json();
}

/** The layouts in a file, ours or another program's: at least one `{id, layout, notes}`. */
export async function importLayouts(file) {
  const body = new FormData();
  body.append("file", file);
  return (await (await ask("/v1/layouts/import", { method: "POST", body })).json()).layouts;
}

export const cancel = (id) => ask(`/v1/jobs/${id}`, { method: "DELETE" });

/** The file of a finished picture. */
export const picture = async (url) => (await ask(url)).blob();

/** Follows a job to its end: `on.queued`, `on.progress`, `on.preview`; gives the job, or null if it was cancelled. */
export function follow(id, on) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`/v1/jobs/${id}/events`);
    const end = (then) => { events.close(); then(); };
    for (const name of ["queued", "progress", "preview"]) {
      events.addEventListener(name, (event) => on[name](JSON.parse(event.data)));
    }
    events.addEventListener("done", (event) => end(() => resolve(JSON.parse(event.data))));
    events.addEventListener("cancelled", () => end(() => resolve(null)));
    events.addEventListener("failed", (event) => end(() => reject(new Problem(JSON.parse(event.data)))));
    let failures = 0;
    events.addEventListener("error", () => {
      // The browser tries again by itself, unless the job is unknown.
      failures += 1;
      if (events.readyState === EventSource.CLOSED || failures > 5) {
        end(() => reject(new Lost()));
      }
    });
  });
}
