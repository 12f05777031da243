// Counts what the conformance suite said of a server, and holds the README's table against it:
// node conformance.mjs RESULTS README [--write]
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [results, readme, mode] = process.argv.slice(2)
const suite = createRequire(import.meta.url)('@modelcontextprotocol/conformance/package.json').version

function count(revision) {
  const text = readFileSync(join(results, `${revision}.txt`), 'utf8')
  const [, summary] = text.split('=== SUMMARY ===')
  if (!summary) throw new Error(`the suite gave no summary for ${revision}:\n${text.slice(-2000)}`)
  const [scored, rest = ''] = summary.split(/^Not scored for .*$/m)
  const unscored = new Set([...rest.matchAll(/^\s+[✓✗] (\S+) \(/gm)].map(m => m[1]))
  const n = { scenarios: 0, passed: 0, checks: 0, failed: 0, unscored: 0, unscoredPassed: 0 }
  for (const [, mark, name, ok, bad] of scored.matchAll(/^([✓✗]) (\S+): (\d+) passed, (\d+) failed/gm)) {
    const pass = mark === '✓' && +bad === 0
    if (unscored.has(name)) {
      n.unscored++
      n.unscoredPassed += pass
      continue
    }
    n.scenarios++
    n.passed += pass
    n.checks += +ok
    n.failed += +bad
  }
  return n
}

// How many scenarios a revision requires of a server, by the suite's own list, so that a run that
// left some out does not pass.
const required = { '2025-11-25': 30, '2026-07-28': 37 }

const rows = []
let good = true
for (const [revision, want] of Object.entries(required)) {
  const n = count(revision)
  console.log(`${revision}: ${n.passed} of ${n.scenarios} scored scenarios passed, ${n.checks} checks` +
    ` passed, ${n.failed} failed; not scored: ${n.unscoredPassed} of ${n.unscored} passed`)
  if (n.passed !== n.scenarios || n.scenarios !== want) {
    console.error(`${revision}: ${want} scenarios are required`)
    good = false
  }
  rows.push(`| ${revision} | ${n.passed} of ${n.scenarios} | ${n.checks} of ${n.checks + n.failed} | ` +
    `${n.unscoredPassed} of ${n.unscored} |`)
}
const table = [`| revision (suite ${suite}) | scored scenarios passed | their checks | not scored |`,
  '|---|---|---|---|', ...rows].join('\n')

const text = readFileSync(readme, 'utf8')
const old = /^\| revision \(suite .*\n\|---.*\n(?:\| \d{4}-.*\n?)+/m
if (mode === '--write') {
  writeFileSync(readme, text.replace(old, table + '\n'))
} else if (!text.includes(table + '\n')) {
  console.error(`the README has another result (.ci/conformance --write writes it):\n${table}`)
  good = false
}
process.exit(good ? 0 : 1)
