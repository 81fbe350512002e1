// Put exported models into the app, so that it answers without ever having met a server:
//   npm run pack -- ../runs/shop/export [NAME=FOLDER ...]
// Run it after `cap sync`, which copies the page and throws away what was in its folder.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const page = process.env.PHOTOSYNTH_PAGE ?? join(here, "app/App/App/public");
const given = process.argv.slice(2);
if (!given.length) throw new Error("name the folders of exported models: npm run pack -- FOLDER ...");
if (!existsSync(join(page, "index.html"))) throw new Error(`${page} holds no page; run \`npx cap sync ios\` first`);

function pack(argument) {
  const at = argument.indexOf("=");
  const folder = resolve(argument.slice(at + 1));
  const own = basename(folder) === "export" ? basename(dirname(folder)) : basename(folder);
  return packAs((at > 0 ? argument.slice(0, at) : own).replace(/[^\w.-]+/g, "-"), folder);
}

const read = (folder) => JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));

/** The classifier beside a detector that its second look was fitted with; null if there is none. */
function looker(folder, info) {
  const beside = folder.replace(/-detector$/, "");
  if (info.second_look_threshold == null || beside === folder || !existsSync(join(beside, "model.json"))) return null;
  const other = read(beside);
  const same = other.kind === "classifier" && other.provenance.model_key === info.provenance.classifier_key;
  return same ? beside : null;
}

function packAs(name, folder) {
  const info = read(folder);
  const beside = info.kind === "detector" ? looker(folder, info) : null;
  const second = beside && packAs(`${name}/second-look`, beside);
  const out = join(page, "models", name);
  const files = info.files.filter((file) => file.format === "onnx" && file.precision === "float32");
  mkdirSync(out, { recursive: true });
  for (const part of [...files.map((f) => f.file), "golden.json", "golden", "previews"]) {
    if (existsSync(join(folder, part))) cpSync(join(folder, part), join(out, part), { recursive: true });
  }
  const preview = (k) => `previews/${k}.jpg`;
  const scanned = info.class_names.map((label, k) => [label, k]).filter(([, k]) => existsSync(join(out, preview(k))));
  return {
    name,
    kind: info.kind,
    version: files[0].sha256.slice(0, 12) + (second ? `-${second.version}` : ""),
    class_names: info.class_names,
    threshold: second ? info.second_look_threshold : info.answer_threshold,
    files: files.map(({ file, precision, bytes, sha256 }) => ({
      file,
      url: `${name}/${file}?sha256=${sha256}`,
      precision,
      bytes,
      sha256,
    })),
    pictures: Object.fromEntries(scanned.map(([label, k]) => [label, `${name}/${preview(k)}`])),
    info,
    second_look: second,
  };
}

rmSync(join(page, "models"), { recursive: true, force: true });
const models = given.map(pack);
const first = (kind) => models.find((model) => model.kind === kind)?.name ?? null;
const list = { models, classifier: first("classifier"), detector: first("detector"), keeps_corrections: false };
writeFileSync(join(page, "models", "models.json"), JSON.stringify(list));
console.log(models.map((model) => `${model.kind} ${model.name}`).join("\n"));
