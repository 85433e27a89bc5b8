// Carries out a Dockerfile in scratch folders that stand for the roots of its images; the base image is the machine itself.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, lchownSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { contextFiles } from './build-context.mjs';
import { readDockerfile } from './dockerfile-reader.mjs';

/** Longest time of one RUN step; in ms. */
const STEP_MAX_MS = 120_000;
/** What a step may know of this machine: where programs, npm's registry and its cache are. */
const MACHINE = /^(PATH|HOME|TMPDIR|LANG|(https?|no)_proxy|npm_config_(registry|cache|userconfig|globalconfig)|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)$/i;

/** What each instruction makes of the image so far. */
const STEPS = {
  WORKDIR(image, { folder }) {
    mkdirSync(within(image, folder), { recursive: true });
    return { ...image, workdir: folder };
  },
  COPY(image, step, known) {
    for (const source of step.sources) copy(source, image, step, known);
    return image;
  },
  RUN(image, { command }) {
    run(command, image);
    return image;
  },
  ENV: (image, { variables }) => ({ ...image, env: { ...image.env, ...variables } }),
  LABEL: (image, { labels }) => ({ ...image, labels: { ...image.labels, ...labels } }),
  USER: (image, { uid, gid }) => ({ ...image, uid, gid }),
  VOLUME: (image, { folders }) => ({ ...image, volumes: folders }),
  EXPOSE: (image, { port }) => ({ ...image, port }),
  HEALTHCHECK: (image, { words }) => ({ ...image, healthcheck: words }),
  ENTRYPOINT: (image, { words }) => ({ ...image, entrypoint: words }),
  CMD: (image, { words }) => ({ ...image, command: words }),
};

/** The image of the last stage, built below `scratch` from the folder `root`; `log` is told each step and its time. */
export function buildImage({ root, scratch, log }) {
  const known = { root, files: contextFiles(root), images: new Map() };
  let image;
  for (const { name, image: base, steps } of readDockerfile(readFileSync(path.join(root, 'Dockerfile'), 'utf8'))) {
    if (known.images.has(base)) throw new Error(`Stage ${name} begins with stage ${base}; a stage begins with an image here`);
    image = { base, rootfs: path.join(scratch, name), workdir: '/', env: {}, labels: {}, uid: 0, gid: 0, volumes: [] };
    mkdirSync(image.rootfs);
    for (const step of steps) {
      const startedMs = performance.now();
      image = takeStep(image, step, known);
      log(`${name} ${step.instruction} (line ${step.line}): ${Math.round(performance.now() - startedMs)} ms`);
    }
    known.images.set(name, image);
  }
  return { ...image, files: known.files };
}

function takeStep(image, step, known) {
  try {
    return STEPS[step.instruction](image, step, known);
  } catch (error) {
    throw new Error(`Dockerfile:${step.line}: ${error.message}`, { cause: error });
  }
}

/** A path of the image as one of this machine. */
export function within(image, name) {
  return path.join(image.rootfs, path.posix.resolve(image.workdir, name));
}

/** The image's variables, with its paths as they are on this machine and `$PATH` as `machinePath`. */
export function environmentOf(image, machinePath) {
  const map = (part) => (part.startsWith('/') && existsSync(within(image, part)) ? within(image, part) : part);
  const value = (text) =>
    text
      .split(':')
      .map((part) => (part === '$PATH' ? machinePath : map(part)))
      .join(':');
  return Object.fromEntries(Object.entries({ PATH: '$PATH', ...image.env }).map(([name, text]) => [name, value(text)]));
}

/** As an engine copies: a folder's content, or a file into a folder or under the target's name; modes stay, the owner is root or who was named. */
function copy(name, image, { from, sources, target, uid, gid }, { root, files, images }) {
  const source = from === undefined ? undefined : images.get(from);
  if (from !== undefined && source === undefined) throw new Error(`there is no stage ${from} before this one`);
  const here = source === undefined ? path.join(root, name) : within(source, name);
  const isFolder = statSync(here).isDirectory();
  const keepsName = !isFolder && (target.endsWith('/') || sources.length > 1);
  const to = within(image, keepsName ? path.posix.join(target, path.posix.basename(name)) : target);
  if (source !== undefined) cpSync(here, to, { recursive: true, verbatimSymlinks: true });
  else copyFromContext({ name, isFolder, to }, root, files);
  if (process.getuid?.() === 0) own(to, uid, gid);
}

function copyFromContext({ name, isFolder, to }, root, files) {
  const given = files.filter((file) => (isFolder ? file.startsWith(`${name}/`) : file === name));
  if (given.length === 0) throw new Error(`.dockerignore leaves nothing of ${name}`);
  for (const file of given) cpSync(path.join(root, file), isFolder ? path.join(to, path.posix.relative(name, file)) : to);
}

function own(name, uid, gid) {
  const below = statSync(name).isDirectory() ? readdirSync(name, { recursive: true }) : [];
  for (const entry of ['', ...below]) lchownSync(path.join(name, String(entry)), uid, gid);
}

function run(command, image) {
  if (image.uid !== 0) throw new Error('RUN after USER is not rehearsed');
  const machine = Object.fromEntries(Object.entries(process.env).filter(([name]) => MACHINE.test(name)));
  const env = { ...machine, npm_config_prefer_offline: 'true', ...environmentOf(image, process.env.PATH ?? '') };
  const done = spawnSync('/bin/sh', ['-c', command], { cwd: within(image, '.'), env, encoding: 'utf8', timeout: STEP_MAX_MS });
  if (done.status !== 0) throw new Error(`"${command}" exited with ${done.status ?? done.signal}:\n${done.stdout}${done.stderr}`);
}
