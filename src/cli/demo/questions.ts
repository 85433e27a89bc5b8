export type Figures = Readonly<Record<string, string | number | bigint>>;

/** How a column of an answer is shown. */
export interface Column {
  readonly key: string;
  readonly title: string;
  readonly as: 'text' | 'count' | 'minutes' | 'percent';
}

export interface Question {
  readonly question: string;
  readonly query: string;
  readonly columns: readonly Column[];
}

const FLIGHTS: Column = { key: 'flights', title: 'flights', as: 'count' };
const MEAN: Column = { key: 'mean_delay', title: 'mean delay', as: 'minutes' };
const MEDIAN: Column = { key: 'median_delay', title: 'median', as: 'minutes' };

/** What a person would ask of flight delays. `{table}` is the table the call names. */
export const QUESTIONS: readonly Question[] = [
  {
    question: 'Which hours of the day are worst to depart in?',
    query: `SELECT lpad(CAST(floor(time) AS INTEGER)::VARCHAR, 2, '0') || ':00' AS hour, count(*) AS flights,
       avg(delay) AS mean_delay, median(delay) AS median_delay, 100 * avg(CASE WHEN delay > 15 THEN 1 ELSE 0 END) AS late
FROM {table} GROUP BY hour HAVING count(*) >= 1000 ORDER BY mean_delay DESC LIMIT 6`,
    columns: [{ key: 'hour', title: 'departure', as: 'text' }, FLIGHTS, MEAN, MEDIAN, { key: 'late', title: 'over 15 min', as: 'percent' }],
  },
  {
    question: 'Do long flights make up time?',
    query: `SELECT CASE WHEN distance < 250 THEN 'under 250' WHEN distance < 500 THEN '250 to 499' WHEN distance < 1000 THEN '500 to 999'
       WHEN distance < 1500 THEN '1,000 to 1,499' WHEN distance < 2500 THEN '1,500 to 2,499' ELSE '2,500 and more' END AS miles,
       count(*) AS flights, avg(delay) AS mean_delay, median(delay) AS median_delay, 100 * avg(CASE WHEN delay < 0 THEN 1 ELSE 0 END) AS early
FROM {table} GROUP BY miles ORDER BY min(distance)`,
    columns: [{ key: 'miles', title: 'miles', as: 'text' }, FLIGHTS, MEAN, MEDIAN, { key: 'early', title: 'early', as: 'percent' }],
  },
  {
    question: 'How likely is a delay of more than 15, of more than 60 minutes?',
    query: `WITH flight AS (SELECT delay, CAST(floor(time / 4) AS INTEGER) * 4 AS start FROM {table})
SELECT lpad(start::VARCHAR, 2, '0') || ':00 to ' || lpad((start + 3)::VARCHAR, 2, '0') || ':59' AS departure, count(*) AS flights,
       100 * avg(CASE WHEN delay > 15 THEN 1 ELSE 0 END) AS over_15, 100 * avg(CASE WHEN delay > 60 THEN 1 ELSE 0 END) AS over_60
FROM flight GROUP BY start ORDER BY start`,
    columns: [
      { key: 'departure', title: 'departure', as: 'text' },
      FLIGHTS,
      { key: 'over_15', title: 'over 15 min', as: 'percent' },
      { key: 'over_60', title: 'over 60 min', as: 'percent' },
    ],
  },
];

/** One bar for each hour in which many depart: `label` and `value`, the mean delay in minutes. */
export const CHART = {
  title: 'Mean delay in minutes by hour of departure (hours with 1,000 flights or more)',
  query: `SELECT lpad(CAST(floor(time) AS INTEGER)::VARCHAR, 2, '0') AS label, avg(delay) AS value FROM {table} GROUP BY label HAVING count(*) >= 1000 ORDER BY label`,
} as const;

/** What a session may not do: look at the machine it runs on. */
export const FORBIDDEN = `SELECT * FROM read_csv('/etc/passwd')`;
