/**
 * The invariants of reassessments: each is the difference to the one it follows, and those in effect form
 * one chain. The rows are read as they are stored; `ledger.amount` shows which are in effect.
 */
import type { Invariant } from './invariant.ts'
import { ofEmployers, ofLinesAlone, sums } from './line-sums.ts'

export const ofReassessments: Invariant = {
  code: 'I14',
  title: 'each reassessment follows the one before, and none follows the same twice',
  sql: `
    with placed as (
      select r.*,
        exists (
          select from ledger.amount m where m.envelope = r.envelope and m.position = r.position
        ) as counts,
        (r.envelope, r.position) = (
          select o.envelope, o.position
          from ledger.reassessment o
          where o.declaration_envelope = r.declaration_envelope
            and o.declaration_position = r.declaration_position
          order by o.envelope desc, o.position desc
          limit 1
        ) as last
      from ledger.reassessment r
    )
    select r.id as what, 'it is no difference to what it follows' as why
    from placed r
    left join ledger.declaration d
      on d.envelope = r.declaration_envelope and d.position = r.declaration_position
    left join ledger.reassessment p
      on p.envelope = r.follows_envelope and p.position = r.follows_position
    where d.envelope is null
      or r.follows_envelope is not null and not case
        when (r.follows_envelope, r.follows_position) = (d.envelope, d.position)
          then d.policy_hash = r.policy_hash_before
        else p.policy_hash is not distinct from r.policy_hash_before
          and (p.declaration_envelope, p.declaration_position) = (d.envelope, d.position)
          and (p.envelope, p.position) < (r.envelope, r.position)
      end
    union all
    select min(r.id), count(*) || ' that count follow the same as it'
    from placed r
    where r.counts and r.follows_envelope is not null
    group by r.declaration_envelope, r.declaration_position, r.follows_envelope, r.follows_position
    having count(*) > 1
    union all
    select r.id, 'it is the last of its declaration and does not count'
    from placed r
    where r.last and not r.counts
    union all
    select r.id, 'it does not count, and others follow it that do'
    from placed r
    join placed n on n.follows_envelope = r.envelope and n.follows_position = r.position
    where n.counts and not r.counts
    union all
    select r.id, 'its lines do not add up to it'
    from ledger.reassessment r
    left join (
      select l.envelope, l.position, count(*) as lines, ${sums}
      from ledger.reassessment_line l
      group by l.envelope, l.position
    ) s on s.envelope = r.envelope and s.position = r.position
    left join packs_of_lines_alone a on a.hash = r.policy_hash
    left join packs_of_lines_alone b on b.hash = r.policy_hash_before
    where coalesce(s.lines, 0) <> r.lines_changed
      or s.lines > 0 and row (${ofLinesAlone('s')}) is distinct from row (${ofLinesAlone('r')})
      or s.lines > 0 and a.hash is not null and b.hash is not null
        and row (${ofEmployers('s')}) is distinct from row (${ofEmployers('r')})`,
}
