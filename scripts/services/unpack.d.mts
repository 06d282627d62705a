export function mayMiss(name: string): boolean;
