/** How rows go in and come out, with the media type of each; who accepts anything is given the first. */
export const ROW_MEDIA_TYPES = {
  json: 'application/json',
  arrow: 'application/vnd.apache.arrow.stream',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
  parquet: 'application/vnd.apache.parquet',
} as const;

export type RowFormat = keyof typeof ROW_MEDIA_TYPES;

export const ROW_TYPES = Object.values(ROW_MEDIA_TYPES);

/** The format of a media type, whatever its parameters; undefined for one that is none of them. */
export function rowFormatOf(mediaType: string | null): RowFormat | undefined {
  const plain = mediaType?.split(';', 1)[0]?.trim().toLowerCase();
  return (Object.keys(ROW_MEDIA_TYPES) as RowFormat[]).find((format) => ROW_MEDIA_TYPES[format] === plain);
}
