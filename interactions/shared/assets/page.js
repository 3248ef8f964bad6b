// What makes pages a little kinder where scripts run. Every page works without: nothing here is needed to go on.

for (const button of document.querySelectorAll('[data-reveal]')) {
  const field = document.getElementById(button.getAttribute('aria-controls'));
  button.hidden = false;
  button.addEventListener('click', () => {
    const shown = field.type === 'text';
    field.type = shown ? 'password' : 'text';
    button.setAttribute('aria-pressed', String(!shown));
    field.focus();
  });
  // A password left readable would be kept among the browser's remembered form texts.
  field.form?.addEventListener('submit', () => {
    field.type = 'password';
    button.setAttribute('aria-pressed', 'false');
  });
}

// A second click while the answer is on its way would use up a code twice. The button is not disabled: its name and
// value are part of the form.
for (const form of document.querySelectorAll('form')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = 'yes';
    event.submitter?.setAttribute('aria-disabled', 'true');
  });
}
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
  for (const button of document.querySelectorAll('button[aria-disabled]'))
    button.removeAttribute('aria-disabled');
});

for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}

document.querySelector('[aria-invalid]')?.focus();
document.querySelector('.side [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

const written = new Intl.DateTimeFormat(document.documentElement.lang, {
  dateStyle: 'medium',
  timeStyle: 'short',
});
for (const time of document.querySelectorAll('time[data-local]')) {
  const text = written.format(new Date(time.dateTime));
  if (time.dataset.local === 'title') time.title = text;
  else time.textContent = text;
}

// How strong a new password is: asked of the server, which is the one that will judge it. It answers { score, text }.
for (const field of document.querySelectorAll('[data-strength]')) {
  const meter = document.getElementById(`${field.id}-strength`);
  let waiting;
  let asked = 0;
  let leaving = new AbortController();
  field.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => judge(), 350);
  });
  // The form itself is judged now, and may end what the question would be about.
  field.form?.addEventListener('submit', () => {
    clearTimeout(waiting);
    leaving.abort();
    leaving = new AbortController();
  });
  async function judge() {
    asked += 1;
    const question = asked;
    if (field.value === '') {
      meter.hidden = true;
      return;
    }
    const body = new URLSearchParams({ password: field.value });
    const answer = await fetch(field.dataset.strength, {
      method: 'POST',
      body,
      headers: { accept: 'application/json' },
      signal: leaving.signal,
    })
      .then((response) => (response.ok ? response.json() : undefined))
      .catch(() => undefined);
    if (question !== asked || !answer) return;
    meter.dataset.score = String(answer.score);
    meter.querySelector('p').textContent = answer.text;
    meter.hidden = false;
  }
}
