// Keeps the codes of the demonstration people fresh while the page is open. Without it, reloading does the same.
setInterval(async () => {
  const people = await (await fetch('/people.json')).json();
  for (const { identifier, code } of people) {
    if (!code) continue;
    document.querySelector(`[data-person="${identifier}"]`).textContent = code.digits;
    document.querySelector(`[data-left="${identifier}"]`).textContent = `for ${code.secondsLeft} s more`;
  }
}, 1000);
