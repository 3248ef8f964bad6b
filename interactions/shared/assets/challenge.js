// Does the work that a form asks for under pressure (parts/challenge.ejs) beside the page, while the person types. A form
// that is sent before it is done waits for it, and goes by itself then.

const box = document.querySelector('[data-challenge]');
const form = box?.closest('form');

if (form) {
  const { challenge, bits, parts, worker: address, working, done, held } = box.dataset;
  const answer = form.elements.challenge_answer;
  const status = box.querySelector('[role=status]');
  const progress = box.querySelector('progress');
  // What the page says where no scripts run: wait a little, then press the button.
  const stuck = status.textContent;
  let over = false;
  let pressed;

  function finish(text) {
    over = true;
    progress.hidden = true;
    status.textContent = text;
  }

  function giveUp() {
    if (!over) finish(stuck);
  }

  form.addEventListener('submit', (event) => {
    if (over) return;
    event.preventDefault();
    // page.js marks a form that is on its way; this one is not.
    delete form.dataset.sent;
    event.submitter?.removeAttribute('aria-disabled');
    pressed = event.submitter ?? undefined;
    status.textContent = held;
  });

  try {
    const worker = new Worker(address);
    worker.addEventListener('error', giveUp);
    worker.addEventListener('message', ({ data }) => {
      if (!data.numbers) return giveUp();
      progress.value = data.numbers.length;
      if (data.numbers.length < Number(parts)) return;
      worker.terminate();
      answer.value = data.numbers.join('.');
      const waiting = pressed || status.textContent === held;
      finish(done);
      if (waiting) form.requestSubmit(pressed);
    });
    status.textContent = working;
    progress.hidden = false;
    worker.postMessage({ seed: challenge.split('.')[1], bits: Number(bits), parts: Number(parts) });
  } catch {
    giveUp();
  }
}
