import { expect, it } from 'vitest';
import { BoundedMap } from '../../src/domain/bounded-map.ts';

it('keeps the entries that were set last', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  map.set('c', 4);
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([3, undefined, 4]);
  map.delete('a');
  map.set('b', 5);
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([undefined, 5, 4]);
});
