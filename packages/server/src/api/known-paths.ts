/** Which routes there are at a path, by whatever method: for whoever asks by another one. */
import type { ApiRoute } from './api-route.ts';

/** Routes at the path of a URL; none: nothing is there. */
export function routesAt(routes: readonly ApiRoute[], url: string): readonly ApiRoute[] {
  const segments = url.split('?', 1)[0].split('/');
  return routes.filter((route) => isAt(route, segments));
}

function isAt({ path, takesRest }: Pick<ApiRoute, 'path' | 'takesRest'>, segments: readonly string[]): boolean {
  const own = path.split('/');
  const fits = takesRest ? segments.length >= own.length : segments.length === own.length;
  return fits && own.every((part, index) => (part.startsWith('{') ? segments[index] !== '' : part === segments[index]));
}
