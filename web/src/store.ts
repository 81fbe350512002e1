/** What stays on this device: answered photos and corrections, in IndexedDB (in memory where that is forbidden). */

import type { Answer } from "./types";

/** One answered photo. */
export interface Entry {
  id: number;
  time: number;
  answer: Answer;
  /** At most 1600 px long, without place and camera. */
  photo: Blob;
  /** At most 240 px long. */
  thumb: Blob;
  /** The right answer, if somebody gave one. */
  right?: string;
}

/** A photo with the right answer, to be scored on. */
export interface Correction {
  id: number;
  time: number;
  label: string;
  answered: string;
  model: string;
  photo: Blob;
  width: number;
  height: number;
}

interface Tables {
  history: Entry;
  corrections: Correction;
}
type Name = keyof Tables;
type New<T> = Omit<T, "id">;

/** Photos in the history; older ones go. */
export const MOST_ENTRIES = 60;

let opened: Promise<IDBDatabase | null> | null = null;
const memory: { [N in Name]: Map<number, Tables[N]> } = { history: new Map(), corrections: new Map() };

function database(): Promise<IDBDatabase | null> {
  opened ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open("photosynth", 1);
      request.onupgradeneeded = () => {
        for (const name of ["history", "corrections"]) {
          request.result.createObjectStore(name, { keyPath: "id", autoIncrement: true });
        }
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  return opened;
}

async function perform<T>(name: Name, mode: IDBTransactionMode, act: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await database();
  if (!db) throw new Error("no storage");
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(name, mode);
    const request = act(transaction.objectStore(name));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("storage failed"));
  });
}

/** WebKit's private windows store no blobs, but bytes. */
interface Packed {
  type: string;
  bytes: ArrayBuffer;
}

async function pack(row: object): Promise<Record<string, unknown>> {
  const one = async ([name, value]: [string, unknown]) => {
    const packed = value instanceof Blob ? { type: value.type, bytes: await value.arrayBuffer() } : value;
    return [name, packed] as const;
  };
  return Object.fromEntries(await Promise.all(Object.entries(row).map(one)));
}

function unpack<T>(row: Record<string, unknown>): T {
  const one = ([name, value]: [string, unknown]) => {
    const packed = value as Packed | undefined;
    return [name, packed?.bytes ? new Blob([packed.bytes], { type: packed.type }) : value] as const;
  };
  return Object.fromEntries(Object.entries(row).map(one)) as T;
}

/** Add a row; returns it with its number. Where the disk is full or forbidden it stays until the page is closed. */
export async function add<N extends Name>(name: N, row: New<Tables[N]>): Promise<Tables[N]> {
  try {
    const packed = await pack(row);
    const id = Number(await perform(name, "readwrite", (s) => s.add(packed)));
    return { ...row, id } as Tables[N];
  } catch {
    const made = { ...row, id: Date.now() } as Tables[N];
    memory[name].set(made.id, made);
    return made;
  }
}

/** Replace a row. */
export async function put<N extends Name>(name: N, row: Tables[N]): Promise<void> {
  if (memory[name].has(row.id)) return void memory[name].set(row.id, row);
  const packed = await pack(row);
  await perform(name, "readwrite", (s) => s.put(packed)).catch(() => memory[name].set(row.id, row));
}

/** All rows, newest first. */
export async function all<N extends Name>(name: N): Promise<Tables[N][]> {
  const kept = await perform(name, "readonly", (s) => s.getAll()).catch(() => []);
  const rows = [...kept.map((row) => unpack<Tables[N]>(row)), ...memory[name].values()];
  return rows.sort((a, b) => b.time - a.time || b.id - a.id);
}

/** Remove a row. */
export async function remove(name: Name, id: number): Promise<void> {
  if (!memory[name].delete(id)) await perform(name, "readwrite", (s) => s.delete(id)).catch(() => undefined);
}

/** Remove every row. */
export async function clear(name: Name): Promise<void> {
  memory[name].clear();
  await perform(name, "readwrite", (s) => s.clear()).catch(() => undefined);
}

/** Add to the history, and let the oldest go. */
export async function remember(row: New<Entry>): Promise<Entry> {
  const entry = await add("history", row);
  for (const old of (await all("history")).slice(MOST_ENTRIES)) await remove("history", old.id);
  return entry;
}
