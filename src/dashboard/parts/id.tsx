/** As long as a stream entry or an order id, with room to spare. */
const oneLine = 22;

/** An id in one line; only what is as long as a hash breaks into several. It is never cut. */
export function Id({ text, id }: { text: string; id?: string | undefined }) {
  return (
    <span class={text.length > oneLine ? 'id long' : 'id'} id={id}>
      {text}
    </span>
  );
}
