// Pictures made before, kept by the browser (IndexedDB).

const STORE = "runs";
const KEEP = 80;

const opened = new Promise((resolve, reject) => {
  const request = indexedDB.open("gligen", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
opened.catch(() => { /* private windows may refuse: told at the first use */ });

async function within(mode, use) {
  const store = (await opened).transaction(STORE, mode).objectStore(STORE);
  const request = use(store);
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** All runs, the youngest first: {id, layout, images: [{blob, seed, layout}]}. */
export const all = async () => (await within("readonly", (store) => store.getAll())).reverse();

/** Keeps a run; forgets the oldest beyond what is kept. */
export async function add(run) {
  run.id = await within("readwrite", (store) => store.add(run));
  const keys = await within("readonly", (store) => store.getAllKeys());
  for (const key of keys.slice(0, Math.max(0, keys.length - KEEP))) await remove(key);
}

export const remove = (id) => within("readwrite", (store) => store.delete(id));
export const clear = () => within("readwrite", (store) => store.clear());
