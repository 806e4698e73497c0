import { execFileSync } from 'node:child_process';

/** Tests that start the program as a process run what is in `dist`: it is made anew before every run. */
export default function setup(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
