// The part of passkeys that only a script can do: asking the browser for one. Submitting a form with a data-passkey field in it
// (shared/parts/passkey-field.ejs) first fetches options from our server and asks the browser; what it answers is then posted
// as a form like any other.

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
const textOf = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const withBytes = (list = []) => list.map((one) => ({ ...one, id: bytesOf(one.id) }));

// By hand and not by the browser's own parse...FromJSON and toJSON: password managers put themselves in the place of
// navigator.credentials, and their objects often lack these.
function publicKeyOf(options) {
  const { challenge, user, allowCredentials, excludeCredentials } = options;
  return {
    ...options,
    challenge: bytesOf(challenge),
    ...(user ? { user: { ...user, id: bytesOf(user.id) } } : {}),
    ...(allowCredentials ? { allowCredentials: withBytes(allowCredentials) } : {}),
    ...(excludeCredentials ? { excludeCredentials: withBytes(excludeCredentials) } : {}),
  };
}

function jsonOf({ id, type, response, ...credential }) {
  const bytes = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'];
  const said = bytes.filter((name) => response[name]).map((name) => [name, textOf(response[name])]);
  return JSON.stringify({
    id,
    rawId: id,
    type,
    authenticatorAttachment: credential.authenticatorAttachment,
    response: { ...Object.fromEntries(said), transports: response.getTransports?.() },
  });
}

/** A refusal of ours, told apart from those of the browser. */
class Refused extends Error {}

async function fetchOptions({ form }, fields = []) {
  const answer = await fetch(`${form.getAttribute('action')}/options`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers: { accept: 'application/json' },
    redirect: 'manual',
  }).catch(() => undefined);
  // The page is not the current one any more, or the proof grew old: the server shows what is.
  if (answer?.status === 409 || answer?.type === 'opaqueredirect') location.reload();
  const { options } = answer?.ok ? await answer.json() : {};
  if (!options) throw new Refused(answer?.status === 429 ? 'limited' : 'failed');
  return publicKeyOf(options);
}

/** What went wrong, as a name of one of the page's sentences (WebAuthn Level 3 sections 5.1.3 and 5.1.4). */
function nameOf(error, startedAt, timeout) {
  if (error instanceof Refused) return error.message;
  if (error.name === 'InvalidStateError') return 'already_registered';
  if (error.name === 'NotAllowedError')
    return Date.now() - startedAt > timeout - 2000 ? 'timed_out' : 'cancelled';
  if (['NotSupportedError', 'ConstraintError', 'SecurityError'].includes(error.name)) return 'unable';
  return 'failed';
}

function say({ field }, name) {
  const alert = field.querySelector('[data-passkey-alert]');
  alert.hidden = name === undefined;
  if (name === undefined) return alert.removeAttribute('role');
  alert.querySelector('p').textContent = JSON.parse(field.dataset.passkeyWords)[name];
  alert.setAttribute('role', 'alert');
}

function post({ form }, credential) {
  form.elements.response.value = jsonOf(credential);
  const tick = document.querySelector('input[type=checkbox][name=remember]');
  if (form.elements.remember?.type === 'hidden') form.elements.remember.disabled = !tick?.checked;
  form.requestSubmit();
}

let underWay;

/** One ceremony at a time: a browser refuses the second. */
function begin() {
  underWay?.abort();
  underWay = new AbortController();
  return underWay.signal;
}

async function ask(one) {
  const startedAt = Date.now();
  let timeout = Number.POSITIVE_INFINITY;
  say(one, undefined);
  try {
    const signal = begin();
    const publicKey = await fetchOptions(one);
    timeout = publicKey.timeout;
    const { credentials } = navigator;
    const making = one.field.dataset.passkey === 'create';
    post(
      one,
      await (making ? credentials.create({ publicKey, signal }) : credentials.get({ publicKey, signal })),
    );
  } catch (error) {
    if (error.name === 'AbortError') return;
    say(one, nameOf(error, startedAt, timeout));
    void offerInField(one);
  }
}

const able = (name) => Promise.resolve(PublicKeyCredential[name]?.()).catch(() => false);

/** What the server may offer later. */
async function abilities() {
  const { conditionalCreate } = (await able('getClientCapabilities')) || {};
  const own = await able('isUserVerifyingPlatformAuthenticatorAvailable');
  return [...(own ? [['can', 'offer']] : []), ...(conditionalCreate ? [['can', 'quiet']] : [])];
}

// A little before the server forgets the challenge; some twelve times, which is as long as a sign-in may take.
const askAgainAfter = 4 * 60_000;
let askedInField = 0;
let told = false;

/** Passkeys among the suggestions of the name's field, without a dialog (mediation "conditional"). */
async function offerInField(one) {
  if (one.field.dataset.passkeyAutofill === undefined) return;
  const inField = await able('isConditionalMediationAvailable');
  const can = told ? [] : await abilities();
  told = true;
  if (!inField && can.length === 0) return;
  const signal = begin();
  try {
    const publicKey = await fetchOptions(one, can);
    if (!inField || signal.aborted) return;
    const again = setTimeout(() => {
      askedInField += 1;
      if (askedInField < 12 && !signal.aborted) void offerInField(one);
    }, askAgainAfter);
    signal.addEventListener('abort', () => clearTimeout(again));
    post(one, await navigator.credentials.get({ publicKey, signal, mediation: 'conditional' }));
  } catch {
    // Nobody asked for it, so nobody is told that it did not work.
  }
}

/** A passkey beside the password that was just used, if the browser's password manager agrees (mediation "conditional"). */
async function makeQuietly(one) {
  try {
    const signal = begin();
    const publicKey = await fetchOptions(one, [['quiet', 'yes']]);
    const credential = await navigator.credentials.create({ publicKey, signal, mediation: 'conditional' });
    one.form.elements.quiet.disabled = false;
    post(one, credential);
  } catch {
    // The page offers it in the open.
  }
}

/** What password managers should know of our passkeys (WebAuthn Level 3 section 5.1.10). Told, and no more: none has to listen. */
function tell(name, said) {
  if (said) Promise.resolve(PublicKeyCredential[name]?.(said)).catch(() => {});
}

function prepare(field) {
  const one = { field, form: field.closest('form') };
  one.form.hidden = false;
  // Before any other listener: a form that only asks has not been sent.
  one.form.addEventListener(
    'submit',
    (event) => {
      if (one.form.elements.response.value !== '') return;
      event.preventDefault();
      event.stopImmediatePropagation();
      void ask(one);
    },
    { capture: true },
  );
  if (field.dataset.passkeyQuiet !== undefined) void makeQuietly(one);
  void offerInField(one);
  // Back from another page, a browser may show this one as it was: what waited then waits no more, and what was sent is spent.
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    one.form.elements.response.value = '';
    void offerInField(one);
  });
}

if (window.PublicKeyCredential && navigator.credentials) {
  for (const element of document.querySelectorAll('[data-without-passkey]')) element.hidden = true;
  for (const element of document.querySelectorAll('[data-with-passkey]')) element.hidden = false;
  for (const element of document.querySelectorAll('[data-passkey-signals]')) {
    const { unknown, accepted, user } = JSON.parse(element.dataset.passkeySignals);
    tell('signalUnknownCredential', unknown);
    tell('signalAllAcceptedCredentials', accepted);
    tell('signalCurrentUserDetails', user);
  }
  for (const field of document.querySelectorAll('[data-passkey]')) prepare(field);
}
