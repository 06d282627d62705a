export function hashOfDescription(description: { paths: object }): string;
