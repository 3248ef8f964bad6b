/**
 * Jest cannot require() ES modules, and its ES module mode leaks some megabytes a test file (jest issue 14605). So our
 * TypeScript, and any dependency that ships only ES modules, is compiled to CommonJS here; CommonJS passes through.
 * There is no list of packages to maintain: the nearest package.json says what a file is, as it does for Node.
 */
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { transformSync, version } = require('@swc/core');

const types = new Map();

function typeOf(folder) {
  const known = types.get(folder);
  if (known !== undefined) return known;
  const file = path.join(folder, 'package.json');
  const type = fs.existsSync(file)
    ? (JSON.parse(fs.readFileSync(file, 'utf8')).type ?? 'commonjs')
    : typeOf(path.dirname(folder));
  types.set(folder, type);
  return type;
}

const isEsm = (file) =>
  file.endsWith('.mjs') || (!file.endsWith('.cjs') && typeOf(path.dirname(file)) === 'module');

const own = createHash('sha1').update(fs.readFileSync(__filename)).digest('hex');

module.exports = {
  canInstrument: false,
  getCacheKey: (source, file, options) =>
    createHash('sha1')
      .update([own, version, String(options.instrument), file, source].join('\0'))
      .digest('hex'),
  process(source, file) {
    const typescript = file.endsWith('.ts');
    if (!typescript && !isEsm(file)) return { code: source };
    const { code, map } = transformSync(source, {
      filename: file,
      swcrc: false,
      configFile: false,
      sourceMaps: true,
      module: { type: 'commonjs' },
      jsc: { target: 'es2024', parser: { syntax: typescript ? 'typescript' : 'ecmascript' } },
    });
    return { code, map };
  },
};
