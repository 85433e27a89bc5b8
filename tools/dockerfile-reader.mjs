// Reads a Dockerfile strictly: what it does not know it refuses, so that nothing in the file goes unexercised.

/** Instructions of this project's Dockerfile; each is given its text and the stage it belongs to. */
const READERS = {
  WORKDIR: (text) => ({ folder: absolute(text, 'WORKDIR') }),
  COPY: readCopy,
  RUN: (text) => ({ command: withoutAbsolutePaths(text) }),
  ENV: (text) => ({ variables: pairs(text) }),
  LABEL: (text) => ({ labels: pairs(text) }),
  USER: (text) => ({ uid: numbers(text)[0], gid: numbers(text)[1] }),
  VOLUME: (text) => ({ folders: words(text, 'VOLUME') }),
  EXPOSE: (text) => ({ port: Number(text) }),
  HEALTHCHECK: readHealthcheck,
  ENTRYPOINT: (text) => ({ words: words(text, 'ENTRYPOINT') }),
  CMD: (text) => ({ words: words(text, 'CMD') }),
};

/** @throws Error naming the line for an instruction, a flag or a form that the reader does not know */
export function readDockerfile(source) {
  const stages = [];
  for (const { line, name, text } of instructions(source)) {
    try {
      if (name === 'FROM') stages.push(readFrom(text));
      else if (!Object.hasOwn(READERS, name)) throw new Error(`${name} is not an instruction this reader knows`);
      else if (stages.length === 0) throw new Error(`${name} comes before FROM`);
      else stages.at(-1).steps.push({ instruction: name, line, ...READERS[name](text) });
    } catch (error) {
      throw new Error(`Dockerfile:${line}: ${error.message}`, { cause: error });
    }
  }
  if (stages.length === 0) throw new Error('Dockerfile: it has no FROM');
  return stages;
}

/** Lines joined at their backslashes, without comments; `line` is where each instruction begins. */
function instructions(source) {
  const found = [];
  let open;
  for (const [index, raw] of source.split('\n').entries()) {
    if (/^\s*(#|$)/.test(raw)) continue;
    const goesOn = /\\\s*$/.test(raw);
    const text = raw.replace(/\\\s*$/, '').trim();
    open = open === undefined ? { line: index + 1, text } : { line: open.line, text: `${open.text} ${text}` };
    if (goesOn) continue;
    const [, name, rest] = /^(\S+)\s+(.*)$/.exec(open.text) ?? [undefined, open.text, ''];
    found.push({ line: open.line, name: name.toUpperCase(), text: rest });
    open = undefined;
  }
  if (open !== undefined) throw new Error(`Dockerfile:${open.line}: the last line ends with a backslash`);
  return found;
}

function readFrom(text) {
  const [, image, name] = /^(\S+) AS (\S+)$/i.exec(text) ?? [];
  if (image === undefined) throw new Error('FROM is written as FROM <image> AS <name>');
  return { image, name, steps: [] };
}

function readCopy(text) {
  const parts = text.split(/\s+/);
  const flags = Object.fromEntries(parts.filter((part) => part.startsWith('--')).map((flag) => flag.slice(2).split('=')));
  const unknown = Object.keys(flags).find((flag) => flag !== 'from' && flag !== 'chown');
  if (unknown !== undefined) throw new Error(`COPY --${unknown} is not known`);
  const paths = parts.filter((part) => !part.startsWith('--'));
  if (paths.length < 2) throw new Error('COPY needs a source and a target');
  if (paths.some((name) => /[*?[]/.test(name))) throw new Error('COPY names its sources one by one');
  const [uid, gid] = flags.chown === undefined ? [0, 0] : numbers(flags.chown);
  return { from: flags.from, uid, gid, sources: paths.slice(0, -1), target: paths.at(-1) };
}

function readHealthcheck(text) {
  const [, flags, command] = /^((?:--\S+\s+)*)CMD\s+(.*)$/.exec(text) ?? [];
  if (command === undefined) throw new Error('HEALTHCHECK is written with flags and CMD');
  return { flags: flags.trim().split(/\s+/), words: words(command, 'HEALTHCHECK') };
}

/** Steps run in a scratch folder that stands for the image's root: a path from the root would reach the machine's own. */
function withoutAbsolutePaths(command) {
  const reached = /(?:^|[\s=:'"])(\/\S*)/.exec(command)?.[1];
  if (reached !== undefined) throw new Error(`RUN names ${reached}; only paths below WORKDIR can be rehearsed`);
  return command;
}

function absolute(folder, instruction) {
  if (!/^\/[\w./-]*$/.test(folder)) throw new Error(`${instruction} takes a path from the root`);
  return folder;
}

/** `uid:gid`: names would need the base image's list of users. */
function numbers(text) {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (uid === undefined) throw new Error(`"${text}" is not <uid>:<gid> in numbers`);
  return [Number(uid), Number(gid)];
}

/** The exec form, a JSON array: no shell stands between the engine's signals and the program. */
function words(text, instruction) {
  const held = text.startsWith('[') ? JSON.parse(text) : undefined;
  if (!Array.isArray(held) || !held.every((word) => typeof word === 'string')) throw new Error(`${instruction} is written as a JSON array`);
  return held;
}

function pairs(text) {
  const matches = [...text.matchAll(/(\S+?)=(?:"([^"]*)"|(\S*))(?:\s+|$)/g)];
  if (matches.map(([all]) => all).join('') !== text) throw new Error(`"${text}" is not a row of <key>=<value>`);
  return Object.fromEntries(matches.map(([, key, quoted, plain]) => [key, quoted ?? plain]));
}
