import { Gauge, type Registry } from 'prom-client';

/** A figure that is looked up whenever it is asked for; undefined shows none. */
export function addFigure(registry: Registry, name: string, help: string, read: () => number | undefined): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      const value = read();
      if (value === undefined) this.remove();
      else this.set(value);
    },
  });
}
