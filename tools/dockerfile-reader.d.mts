export interface DockerfileStep {
  readonly instruction: string;
  readonly line: number;
  readonly command?: string;
}

export interface DockerfileStage {
  readonly image: string;
  readonly name: string;
  readonly steps: readonly DockerfileStep[];
}

/** @throws Error naming the line for an instruction, a flag or a form that the reader does not know */
export function readDockerfile(source: string): readonly DockerfileStage[];
