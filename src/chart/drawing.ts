/** A chart laid out: what to draw where, in pixels of its own plane. Whoever draws it needs no layout of its own. */
export interface Drawing {
  readonly machine: string;
  readonly width: number;
  readonly height: number;
  /** Outer states before those inside them, so that they can be painted in this order. */
  readonly states: readonly DrawnState[];
  readonly edges: readonly DrawnEdge[];
}

export interface DrawnState {
  /** As in the chart; empty for "any state". */
  readonly id: string;
  readonly label: string;
  /** Text below the label: what runs there, and what happens there without leaving. */
  readonly notes: readonly string[];
  /** `region`: one of several parts that are active together. */
  readonly kind: 'leaf' | 'group' | 'region' | 'final' | 'any';
  readonly initial: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  /** Path data of SVG, with rounded corners. */
  readonly path: string;
  readonly labels: readonly { readonly text: string; readonly x: number; readonly y: number }[];
}
