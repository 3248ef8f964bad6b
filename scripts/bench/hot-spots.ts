import { readCpuProfile } from './cpu-profile.ts';

const most = 25;

/** Where the main thread's time went in a CPU profile. Shares are of the busy time. */
export function printHotSpots(file: string): void {
  const { busy, causes, functions, withCallees } = readCpuProfile(file);
  print('by who caused it', causes, busy);
  print('by function, own time', functions, busy);
  print('our functions, with what they call', withCallees, busy, (name) => name.startsWith('src/'));
}

function print(
  title: string,
  sums: ReadonlyMap<string, number>,
  busy: number,
  keep: (name: string) => boolean = () => true,
) {
  console.log(`\n${title}`);
  const sorted = [...sums].filter(([name]) => keep(name)).sort(([, a], [, b]) => b - a);
  for (const [name, time] of sorted.slice(0, most))
    console.log(`${((100 * time) / busy).toFixed(1).padStart(6)} %  ${name}`);
}
