// @ts-check
// Nothing happens here yet.
export const page = 'handloom';
