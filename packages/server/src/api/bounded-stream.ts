/** The body of a request, up to so many bytes. */
import { ApiProblem } from './problems.ts';

/** As it arrives. @throws ApiProblem body-too-large */
export async function* boundedStream(body: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax)
      throw new ApiProblem('body-too-large', `Cannot take this body: at most ${bytesMax} bytes are expected`);
    yield chunk;
  }
}

/** All of it, at once. @throws ApiProblem body-too-large */
export async function boundedBytes(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of boundedStream(body, bytesMax)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
