// Loaded before the gateway in its process: on SIGUSR2, an error that nobody can catch, of the kind that STRAY names.
process.on('SIGUSR2', () => {
  const error = new Error('a stray error');
  if (process.env['STRAY'] === 'rejection') void Promise.reject(error);
  else
    setTimeout(() => {
      throw error;
    }, 0);
});
