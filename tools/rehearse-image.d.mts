export interface Rehearsal {
  /** The base image, and what the Dockerfile says of the last one. */
  readonly base: string;
  readonly port: number;
  readonly uid: number;
  readonly volumes: readonly string[];
  /** What an engine would have been given to build from. */
  readonly files: readonly string[];
  /** What the image holds at its root, on top of the base image, and how much that is. */
  readonly held: readonly string[];
  readonly packages: readonly string[];
  readonly bytes: number;
  readonly volumeOwners: Readonly<Record<string, number>>;
  /** How it ended without tokens, on the image's own settings. */
  readonly unguarded: { readonly code: number | string; readonly output: string };
  /** Whom the node ran as; undefined where the system does not tell. */
  readonly user: number | undefined;
  readonly record: { readonly sum: number; readonly event: string; readonly deleted_row_count: number };
  readonly healthyWhileUp: boolean;
  readonly healthyAfterwards: boolean;
  readonly exitCode: number | string;
  readonly output: string;
}

export function rehearseImage(root: string, log: (line: string) => void): Promise<Rehearsal>;
