// Parameters: values from outside stay values, whatever they say.
import { readFile } from 'node:fs/promises';
import { Mayfly } from 'mayfly';

interface Film {
  /** A number where the title looks like one, such as 300. */
  readonly Title: string | number | null;
  readonly Director: string | null;
  readonly 'Major Genre': string | null;
  readonly 'IMDB Rating': number | null;
  readonly 'IMDB Votes': number | null;
}

const file = new URL('../data/movies.json', import.meta.resolve('vega-datasets'));
const movies = JSON.parse(await readFile(file, 'utf8')) as Film[];

await using mayfly = await Mayfly.open({ dataDir: '.mayfly-tutorial' });
await using session = await mayfly.tenant('acme').openSession({ timeout: '10m' });

await session.createTable('movies', {
  columns: [
    { name: 'title', type: 'VARCHAR' },
    { name: 'director', type: 'VARCHAR' },
    { name: 'genre', type: 'VARCHAR' },
    { name: 'rating', type: 'DECIMAL(3,1)' },
    { name: 'votes', type: 'INTEGER' },
  ],
});
await session.insert(
  'movies',
  movies.map((movie) => ({
    title: movie.Title === null ? null : String(movie.Title),
    director: movie.Director,
    genre: movie['Major Genre'],
    rating: movie['IMDB Rating'],
    votes: movie['IMDB Votes'],
  })),
);

interface Movie {
  readonly title: string;
  readonly director: string;
  readonly rating: string;
}

function show(heading: string, found: readonly Movie[]): void {
  console.log(`\n${heading}`);
  for (const { title, director, rating } of found) console.log(`  ${rating}  ${title} (${director})`);
  if (found.length === 0) console.log('  nothing');
}

// By name, as an object. A list is a value too.
const wanted = { genres: ['Western', 'Musical'], votes: 20_000 };
const best = `
  SELECT title, director, rating
  FROM movies
  WHERE list_contains($genres, genre) AND votes >= $votes AND director IS NOT NULL
  ORDER BY rating DESC, title
  LIMIT 5`;
show('Best Westerns and Musicals', await session.rows<Movie>(best, { parameters: wanted }));

// By position, as an array.
const byDirector =
  'SELECT title, director, rating FROM movies WHERE director = ? AND rating >= ? ORDER BY rating DESC, title';
show('Kubrick, 8.4 and better', await session.rows<Movie>(byDirector, { parameters: ['Stanley Kubrick', 8.4] }));

// What somebody typed into a search box. It is looked for, and not found.
const typed = "' OR true; DROP TABLE movies; --";
show(`Directed by ${typed}`, await session.rows<Movie>(byDirector, { parameters: [typed, 0] }));
console.log(`\nThe table has its ${await session.countRows('movies')} movies still.`);

// Parameters stand for values, not for names. Where the table is what varies, the call names it for `{table}`.
await session.createTableAs('westerns', "FROM movies WHERE genre = 'Western'");
await session.createTableAs('musicals', "FROM movies WHERE genre = 'Musical'");
const top = 'SELECT title, director, rating FROM {table} WHERE votes >= $votes ORDER BY rating DESC, title LIMIT 1';
for (const table of ['westerns', 'musicals']) {
  show(`Best of ${table}`, await session.rows<Movie>(table, top, { parameters: { votes: 20_000 } }));
}
