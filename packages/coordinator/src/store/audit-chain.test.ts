import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuditRow, type AuditTrail, createAuditChain } from './audit-chain.ts';

const chain = createAuditChain(new Uint8Array(32).fill(1));

/** A trail of so many entries, of which the first are gone. */
function trailOf(count: number, gone = 0): AuditTrail {
  let head = chain.origin;
  const rows: AuditRow[] = [];
  for (let index = 1; index <= count; index++) {
    const appended = chain.append(head, JSON.stringify({ at: index, action: 'join', node: `n${index}` }));
    rows.push(appended.row);
    head = appended.head;
  }
  const last = rows.splice(0, gone).at(-1);
  return { anchor: chain.anchorAt(last ?? chain.origin), rows, head };
}

describe('a trail', () => {
  it('holds from its beginning, from where it was cut, and without entries', () => {
    for (const trail of [trailOf(0), trailOf(5), trailOf(5, 3), trailOf(5, 5)])
      expect(chain.findBreak(trail)).toBeUndefined();
  });

  it.each<[string, (rows: AuditRow[]) => AuditRow[], string]>([
    [
      'an entry that was changed',
      rows => rows.with(1, { ...row(rows, 1), text: '{"at":2,"action":"leave"}' }),
      'entry 2 is not the one',
    ],
    ['an entry that was dropped', rows => rows.toSpliced(1, 1), 'entry 2 is missing: entry 3 stands in its place'],
    ['the oldest entry dropped', rows => rows.slice(1), 'entry 1 is missing'],
    ['the newest entry dropped', rows => rows.slice(0, -1), 'entries 5 to 5 are missing at the end'],
    ['two entries that changed places', rows => [row(rows, 1), row(rows, 0), ...rows.slice(2)], 'entry 1 is missing'],
    [
      'two entries that changed places and numbers',
      rows => [{ ...row(rows, 1), number: 1 }, { ...row(rows, 0), number: 2 }, ...rows.slice(2)],
      'entry 1 is not the one',
    ],
    ['an entry that was added', rows => [...rows, { ...row(rows, 0), number: 6 }], 'entry 6 is not the one'],
  ])('%s is found', (_, change, problem) => {
    const trail = trailOf(5);
    expect(chain.findBreak({ ...trail, rows: change([...trail.rows]) })).toContain(problem);
  });

  it('whose ends were changed is found: neither can be made without the key', () => {
    const trail = trailOf(5);
    const [first, second] = trail.rows as [AuditRow, AuditRow];
    const cut = {
      ...trail,
      anchor: { ...trail.anchor, number: first.number, link: first.link },
      rows: trail.rows.slice(1),
    };
    expect(chain.findBreak(cut)).toContain('before the oldest entry');
    const short = { ...trail, head: { ...trail.head, number: 2, link: second.link }, rows: trail.rows.slice(0, 2) };
    expect(chain.findBreak(short)).toContain('the end of the trail was changed');
    const own = createAuditChain(new Uint8Array(32).fill(2));
    const forged = own.append(own.origin, 'forged');
    expect(chain.findBreak({ anchor: own.anchorAt(own.origin), rows: [forged.row], head: forged.head })).toBeDefined();
  });

  it('is broken by any change of any part of it', () => {
    const change = fc.record({ at: fc.nat(3), part: fc.constantFrom('text', 'link', 'number'), how: fc.nat(1_000) });
    fc.assert(
      fc.property(change, ({ at, part, how }) => {
        const trail = trailOf(4);
        const changed = { ...row(trail.rows, at) };
        if (part === 'number') Object.assign(changed, { number: changed.number + 1 + how });
        else if (part === 'link') Object.assign(changed, { link: replaced(changed.link, how) });
        else Object.assign(changed, { text: replaced(changed.text, how) });
        expect(chain.findBreak({ ...trail, rows: trail.rows.with(at, changed) })).toBeDefined();
      }),
    );
  });
});

function row(rows: readonly AuditRow[], index: number): AuditRow {
  const found = rows[index];
  if (!found) throw new Error('there is no such row');
  return found;
}

/** One character is another one. */
function replaced(text: string, how: number): string {
  const at = how % text.length;
  return text.slice(0, at) + (text[at] === 'x' ? 'y' : 'x') + text.slice(at + 1);
}
