import Sequencer from '@jest/test-sequencer';

// Jest begins with what took longest last time; on a fresh clone it has only the size of the files to go by, and the files
// of the races, each of which runs for minutes, are the smallest of all. Begun last, they would keep one core waiting for the other.
const long = /[\\/]test[\\/]races[\\/]/;

export default class LongestFirst extends Sequencer {
  sort(tests) {
    const inOrder = super.sort(tests);
    return [
      ...inOrder.filter(({ path }) => long.test(path)),
      ...inOrder.filter(({ path }) => !long.test(path)),
    ];
  }
}
