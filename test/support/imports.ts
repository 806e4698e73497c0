import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface SourceFile {
  /** Below `src`, `/`-separated. */
  readonly file: string;
  readonly source: string;
}

export function readSources(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({
      file: file.split(path.sep).join('/'),
      source: readFileSync(path.join(root, file), 'utf8'),
    }));
}

/** The program without its comments, as far as whole lines of them go: the formatter leaves no others that matter here. */
export function withoutComments(source: string): string {
  return source
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/|\/\*|\*)/.test(line))
    .join('\n');
}

/**
 * What a module imports, whichever way: static, re-exported, for its side effects, as a type, at run time. One that is
 * computed at run time is given as `undefined`, since nobody can tell where it leads.
 */
export function findImports(source: string): (string | undefined)[] {
  const code = withoutComments(source);
  const statements = code.matchAll(/^(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]/gm);
  const calls = code.matchAll(/\b(?:import|require)\(\s*(?:(['"`])([^'"`$]+)\1)?/g);
  return [...[...statements].map(([, specifier]) => specifier), ...[...calls].map(([, , specifier]) => specifier)];
}
