// Run it through scripts/test.mjs, which starts the stores the suites ask for.
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/clients/**/*.test.ts'],
  transform: { '\\.[cm]?[jt]s$': '<rootDir>/test/support/auto-cjs.cjs' },
  transformIgnorePatterns: [],
  moduleFileExtensions: ['ts', 'mjs', 'js', 'cjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/data/'],
  // Password hashes are slow on purpose and a real browser is slow by nature, so five seconds would be too tight.
  testTimeout: 30_000,
  maxWorkers: 2,
  workerIdleMemoryLimit: '1GB',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
};
