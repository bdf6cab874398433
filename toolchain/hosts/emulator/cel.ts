export class Expressions {}
