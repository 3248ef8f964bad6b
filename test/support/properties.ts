import fc from 'fast-check';

/**
 * What must hold for whatever comes, tried with the same cases in each run: a case that nobody thought of should stop whoever
 * looks for it, PROPERTY_SEED=2 PROPERTY_RUNS=100000 npm test, and not whoever changes something else that day.
 */
fc.configureGlobal({
  seed: Number(process.env['PROPERTY_SEED'] ?? 1),
  numRuns: Number(process.env['PROPERTY_RUNS'] ?? 1000),
});

export { fc };
