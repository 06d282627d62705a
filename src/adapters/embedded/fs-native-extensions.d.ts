declare module 'fs-native-extensions' {
  const extensions: {
    /** @returns false while another open file holds the lock */
    tryLock(fd: number): boolean;
  };
  export default extensions;
}
