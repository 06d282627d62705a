export interface SeededBug {
  name: string;
  promise: string;
  /** Below src/; the text must stand in the TypeScript and in the built JavaScript alike. */
  file: string;
  find: string;
  replace: string;
  /** The suite that must turn red, and the test in it that names the law. */
  suite: string;
  law: string;
}

export const seededBugs: readonly SeededBug[] = [];
