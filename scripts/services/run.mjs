import { spawn } from 'node:child_process';

/** Resolves with the program's output; rejects with its last lines, or when it is not installed. */
export function run(program, args, { env = {}, timeoutMs = 10_000, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
    });
    let printed = '';
    const add = (chunk) => {
      printed += chunk;
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(printed);
      const end = signal ? `was ended by ${signal} (limit ${timeoutMs / 1000} s)` : `ended with code ${code}`;
      reject(new Error(`${program} ${args[0]} ${end}: ${printed.trim().split('\n').slice(-4).join(' / ')}`));
    });
  });
}

export async function works(program, ...args) {
  return await run(program, args).then(
    () => true,
    () => false,
  );
}
