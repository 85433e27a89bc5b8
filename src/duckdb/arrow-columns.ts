import { readValidity, type ArrowNode, type ArrowParts } from './arrow-buffers.ts';
import type { ArrowColumn } from './arrow-column.ts';
import type { Dictionaries } from './arrow-dictionaries.ts';
import { DictionaryColumn, RunEndColumn } from './arrow-encoded.ts';
import { BooleanColumn, FixedWidthColumn, NullColumn } from './arrow-fixed-width.ts';
import { FixedListColumn, ListColumn, StructColumn } from './arrow-lists.ts';
import { MapColumn } from './arrow-maps.ts';
import type { ArrowField } from './arrow-schema.ts';
import { Spans } from './arrow-spans.ts';
import { TextColumn } from './arrow-text.ts';

/**
 * One column of a batch: buffer sizes are checked here, values (offsets, UTF-8, indices, ranges) when rows are written.
 * @throws InvalidArrow
 */
export function openColumn(field: ArrowField, parts: ArrowParts, dictionaries: Pick<Dictionaries, 'valuesOf'>): ArrowColumn {
  const node = parts.nextNode();
  const { type, dictionary, children } = field;
  const open = (child: ArrowField): ArrowColumn => openColumn(child, parts, dictionaries);
  if (dictionary !== undefined) return DictionaryColumn.open(dictionary, node, parts, () => dictionaries.valuesOf(dictionary.id));
  switch (type.kind) {
    case 'null':
      return new NullColumn(node.length);
    case 'bool':
      return BooleanColumn.open(node, parts);
    case 'utf8':
    case 'binary':
    case 'fixedBinary':
      return TextColumn.open(field, node, parts);
    case 'runEndEncoded':
      return new RunEndColumn(node.length, RunEndColumn.readEnds(children[0]!, parts), open(children[1]!));
    case 'struct': {
      const validity = readValidity(parts.nextBuffer(), node);
      return new StructColumn(node.length, validity, children.map(open));
    }
    case 'list':
    case 'listView':
    case 'map':
      return openLists(field, node, parts, open);
    case 'fixedList': {
      const validity = readValidity(parts.nextBuffer(), node);
      return new FixedListColumn(node.length, type.size, validity, open(children[0]!));
    }
    default:
      return FixedWidthColumn.open(field, node, parts);
  }
}

function openLists({ type, children, path }: ArrowField, node: ArrowNode, parts: ArrowParts, open: (child: ArrowField) => ArrowColumn): ArrowColumn {
  const validity = readValidity(parts.nextBuffer(), node);
  const begins = parts.nextBuffer();
  const sizes = type.kind === 'listView' ? parts.nextBuffer() : undefined;
  const items = open(children[0]!);
  const width = type.kind === 'list' || type.kind === 'listView' ? type.offsets : 4;
  const spans =
    sizes === undefined ? Spans.ofOffsets(begins, width, node.length, items.length) : Spans.ofViews(begins, sizes, width, node.length, items.length);
  if (type.kind !== 'map') return new ListColumn(node.length, spans, validity, items);
  // The schema saw to it that a map's entries are structs.
  return new MapColumn(new ListColumn(node.length, spans, validity, items as StructColumn), path);
}
