// Finds, for each part, a number whose hash begins with so many zeros. Batches, because each digest is a promise.

const batch = 256;
const encoder = new TextEncoder();

async function startsWithZeros(text, bits) {
  const hash = await crypto.subtle.digest('SHA-256', encoder.encode(text));
  return Math.clz32(new DataView(hash).getUint32(0)) >= bits;
}

async function find(seed, part, bits) {
  for (let from = 0; ; from += batch) {
    const tried = Array.from({ length: batch }, (_, at) =>
      startsWithZeros(`${seed}.${part}.${from + at}`, bits),
    );
    const at = (await Promise.all(tried)).indexOf(true);
    if (at >= 0) return from + at;
  }
}

self.addEventListener('message', async ({ data: { seed, bits, parts } }) => {
  const numbers = [];
  try {
    for (let part = 0; part < parts; part += 1) {
      numbers.push(await find(seed, part, bits));
      self.postMessage({ numbers });
    }
  } catch {
    // An error in here would reach nobody.
    self.postMessage({});
  }
});
