// Run it through scripts/test.mjs, which starts the stores the suites ask for.
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/clients/**/*.test.ts'],
  transform: { '\\.[cm]?[jt]s$': '<rootDir>/test/support/auto-cjs.cjs' },
  transformIgnorePatterns: [],
  moduleFileExtensions: ['ts', 'mjs', 'js', 'cjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/data/'],
  // Against hanging for ever, and no promise: password hashes are slow on purpose, a real browser by nature, and a machine
  // that runs several suites at once does each several times slower. A promise about time is an assertion of its test.
  testTimeout: 180_000,
  maxWorkers: 2,
  testRunner: '<rootDir>/test/support/while-there-is-time.cjs',
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  workerIdleMemoryLimit: '1GB',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
};
