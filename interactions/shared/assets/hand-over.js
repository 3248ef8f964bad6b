// Sends the answer on without a click. The form's own submit(): a field of it may be called "submit".
HTMLFormElement.prototype.submit.call(document.querySelector('form[data-hand-over]'));
