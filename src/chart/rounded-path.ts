export interface Point {
  readonly x: number;
  readonly y: number;
}

/** SVG path data through the points, each corner rounded by up to `radius`. */
export function roundedPath(points: readonly Point[], radius: number): string {
  const parts = points.map((point, index) => {
    const before = points[index - 1];
    const after = points[index + 1];
    if (before === undefined) return `M${at(point)}`;
    if (after === undefined) return `L${at(point)}`;
    const into = towards(point, before, radius);
    const outOf = towards(point, after, radius);
    return `L${at(into)}Q${at(point)} ${at(outOf)}`;
  });
  return parts.join('');
}

/** The point at `distance` from `from` on the way to `to`, at most half of the way. */
function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const share = length === 0 ? 0 : Math.min(distance / length, 0.5);
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

const at = ({ x, y }: Point): string => `${round(x)},${round(y)}`;
const round = (value: number): number => Math.round(value * 10) / 10;
