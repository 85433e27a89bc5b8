// Embeddings: 3,200 film titles as vectors, and the nearest ones to what somebody typed.
import { readFile } from 'node:fs/promises';
import { Mayfly } from 'mayfly';

const DIMENSIONS = 256;

interface Film {
  readonly Title: string | number | null;
  readonly 'IMDB Votes': number | null;
}

/** A text as a vector: its groups of three letters, counted into buckets by a hash. Put the call of your model here. */
function embed(text: string): number[] {
  const vector = new Array<number>(DIMENSIONS).fill(0);
  const letters = ` ${text.toLowerCase().replaceAll(/[^a-z0-9]+/g, ' ')} `;
  for (let at = 0; at + 3 <= letters.length; at += 1) {
    let hash = 7;
    for (const letter of letters.slice(at, at + 3)) hash = (hash * 31 + letter.charCodeAt(0)) % 1_000_003;
    vector[hash % DIMENSIONS] = (vector[hash % DIMENSIONS] ?? 0) + 1;
  }
  return vector;
}

const file = new URL('../data/movies.json', import.meta.resolve('vega-datasets'));
const movies = JSON.parse(await readFile(file, 'utf8')) as Film[];

await using mayfly = await Mayfly.open({ dataDir: '.mayfly-tutorial' });
await using session = await mayfly.tenant('acme').openSession({ timeout: '10m' });

// An array of a fixed length is what DuckDB's vector functions work on.
await session.createTable('films', {
  columns: [
    { name: 'title', type: 'VARCHAR' },
    { name: 'votes', type: 'INTEGER' },
    { name: 'embedding', type: `FLOAT[${DIMENSIONS}]` },
  ],
});
const films = movies.map((movie) => {
  const title = String(movie.Title);
  return { title, votes: movie['IMDB Votes'], embedding: embed(title) };
});
console.log(`${await session.insert('films', films)} titles of ${DIMENSIONS} dimensions each.`);

// The wanted vector is a list as a parameter, cast to the column's type. Beside it stands any other SQL.
const nearest = `
  SELECT title, array_cosine_similarity(embedding, $wanted::FLOAT[${DIMENSIONS}]) AS similarity
  FROM films
  WHERE votes >= $votes
  ORDER BY similarity DESC, title
  LIMIT 3`;

interface Neighbour {
  readonly title: string;
  readonly similarity: number;
}

async function search(typed: string, votes: number): Promise<void> {
  const found = await session.rows<Neighbour>(nearest, { parameters: { wanted: embed(typed), votes } });
  console.log(`\n"${typed}", ${votes} votes or more`);
  for (const { title, similarity } of found) console.log(`  ${similarity.toFixed(2)}  ${title}`);
}

await search('pirats caribean', 0);
await search('harry poter stone', 0);
await search('lord of teh rings', 0);
await search('lord of teh rings', 200_000);
