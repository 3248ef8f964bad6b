import { execFile } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const scripts = path.join(import.meta.dirname, '../../scripts');

/** What a command says that is told what it cannot do. It ends with 1, before it starts anything. */
function refusalOf(script: string, ...given: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [path.join(scripts, script), ...given], (error, stdout, stderr) => {
      if (error?.code === 1 && stdout === '') resolve(stderr);
      else reject(new Error(`it ended with ${error?.code ?? 0}: ${stdout}${stderr}`));
    });
  });
}

describe('a command that is told what it cannot do', () => {
  it.each([
    ['bench.ts', ['--bogus'], "Unknown option '--bogus'"],
    ['bench.ts', ['--seconds'], "'--seconds <value>' argument missing"],
    ['bench.ts', ['--shares', '/nowhere'], '--shares: in /nowhere is no profile of ours on Redis'],
    ['bench.ts', ['--hot-spots', path.join(scripts, '../package.json')], 'package.json is no CPU profile'],
    ['bench.ts', ['--profile', '/dev/null/x'], '--profile: /dev/null/x is no folder to write into'],
    ['races.ts', ['--only', ','], '--only: no "", no "". There are: authorization code,'],
    ['races.ts', ['--rounds', '0'], '--rounds: "0" is no number above 0.'],
    ['faults.ts', ['--only', 'F99'], '--only: no "F99". There are: F1,'],
    ['faults.ts', ['--minutes', '-1'], "'--minutes' argument is ambiguous"],
  ])('says so in a sentence: %s %j', async (script, given, sentence) => {
    const said = await refusalOf(script, ...given);
    expect(said).toContain(sentence);
    expect(said).not.toMatch(/^ +at /m);
  });
});
