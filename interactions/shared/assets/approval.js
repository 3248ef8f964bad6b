// Looks every few seconds whether a sign-in was approved on another device (parts/approval-wait.ejs), and goes on by itself then.
// Whichever server answers: what it says does not depend on the one that was asked first.

const box = document.querySelector('[data-approval]');
const look = box?.dataset.approval;
const every = 3000;

if (look && box.querySelector('[data-approval-number]')) {
  const form = box.closest('form');

  async function once() {
    if (document.hidden) return true;
    try {
      const answer = await fetch(look, { headers: { accept: 'application/json' }, cache: 'no-store' });
      // The sign-in is over: the page that follows says so.
      if (answer.status === 410) return form.requestSubmit();
      const { state } = await answer.json();
      if (state === 'expired') {
        box.querySelector('[data-approval-status]').textContent = box.dataset.approvalOver;
        box.querySelector('[data-approval-number]').textContent = '–';
        return false;
      }
      if (state === 'ready' || state === 'refused') return form.requestSubmit();
    } catch {
      // A server that went away is not an answer; the next one may come from another.
    }
    // Nor is it one that a server has no store, which it says as JSON too.
    return true;
  }

  async function wait() {
    if (await once()) setTimeout(wait, every);
  }
  setTimeout(wait, every);
}
