/** The document with its generated parts as they should be. */
export function withGeneratedParts(text: string): string;
/** Every document of the project, as absolute paths. */
export function documents(): string[];
