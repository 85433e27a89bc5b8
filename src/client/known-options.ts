import { InvalidRequest } from '../domain/errors.ts';

/**
 * A mistyped option would leave a default in force, unnoticed by a program without types.
 * @throws InvalidRequest (`field`) for the first one that is not known
 */
export function assertKnown<Options extends object>(options: Options, known: readonly (keyof Options & string)[]): void {
  const names: readonly string[] = known;
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new InvalidRequest(`"${unknown}" is not an option of this call; known are ${names.join(', ')}`, { field: unknown });
}
